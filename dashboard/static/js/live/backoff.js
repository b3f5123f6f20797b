// How long to wait before the next try to connect: twice as long each time, with jitter so that many pages do not knock at once.

const FIRST_S = 0.4;
const LONGEST_S = 8;

export function waitBeforeTry(tries, random = Math.random) {
  const longest = Math.min(LONGEST_S, FIRST_S * 2 ** tries);
  return longest * (0.5 + random() / 2);
}
