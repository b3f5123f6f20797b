// How fresh the newest point is: live, slow, stale or lost. The limits follow the rate at which points have been coming.

const LIVE_S = 5;
const SLOW_S = 30;

/** The middle interval between arrivals, in seconds; 0 while too few are known. */
export function usualInterval(arrivals) {
  const gaps = arrivals.slice(1).map((at, i) => at - arrivals[i]);
  if (gaps.length < 3) return 0;
  return gaps.sort((a, b) => a - b)[gaps.length >> 1];
}

/** `live` under 5 s or three usual intervals, `slow` under 30 s or ten, then `stale`; `lost` once the worker's lease is gone. */
export function freshness({ age, status, interval = 0 }) {
  if (status === "lost") return "lost";
  if (age < Math.max(LIVE_S, 3 * interval)) return "live";
  return age < Math.max(SLOW_S, 10 * interval) ? "slow" : "stale";
}

/** Points are only due while a stage trains: not before its first step, nor while data loads or a model is quantized. */
export function isDue(status, stages) {
  const trains = (stage) => ["running", "stopping"].includes(stage.status) && stage.attempts.at(-1)?.first_step;
  return status === "lost" || (["running", "stopping"].includes(status) && stages.some(trains));
}
