"""Many inputs at once: pictures with a CSV of their sentences, or a ZIP archive of both. Each is judged alone, when its turn comes."""

from __future__ import annotations

import base64
import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from django.utils.translation import gettext as _
from ninja.files import UploadedFile

from dashboard.playground.archives import files, open_archive, read, shown
from dashboard.playground.candidates import Candidate
from dashboard.playground.streaming import Question
from trainer.data.uploads import TooLarge, check_picture, check_text

MAX_ITEMS = 500
MAX_CSV_BYTES = 4 * 2**20
# The column that names the picture, and the one of the sentence, by what people call them.
NAMES, TEXTS = ("file", "picture", "image", "name", "file_name"), ("text", "sentence")
Reader = Callable[[], bytes]


def questions(chosen: Candidate, uploads: list[UploadedFile]) -> tuple[int, Iterator[Question]]:
    """Returns how many there are, and they themselves. Raises TooLarge or ValueError for what cannot be read as a whole."""
    pictures, table = unpacked(uploads)
    rows = table_rows(table) if table is not None else [(name, "") for name in pictures]
    if not rows:
        raise ValueError(_("There is nothing to ask: give pictures, or a CSV with a column text."))
    if len(rows) > MAX_ITEMS:
        raise TooLarge(_("At most %(most)s inputs are taken at once.") % {"most": MAX_ITEMS})
    return len(rows), (question(chosen, pictures, name, text) for name, text in rows)


def unpacked(uploads: list[UploadedFile]) -> tuple[dict[str, Reader], bytes | None]:
    """Returns how to read each picture by its name, and the table of sentences if there is one."""
    if len(uploads) == 1 and str(uploads[0].name).lower().endswith(".zip"):
        assert uploads[0].file is not None
        return of_archive(open_archive(uploads[0].file, uploads[0].size or 0))
    pictures: dict[str, Reader] = {}
    table: bytes | None = None
    for upload in uploads:
        if str(upload.name).lower().endswith(".csv"):
            table = limited(upload.read(MAX_CSV_BYTES + 1))
        else:
            pictures[str(upload.name)] = reader_of_upload(upload)
    return pictures, table


def reader_of_upload(upload: UploadedFile) -> Reader:
    """A table may name a picture in several rows."""

    def read() -> bytes:
        upload.seek(0)
        data: bytes = upload.read()
        return data

    return read


def of_archive(archive: zipfile.ZipFile) -> tuple[dict[str, Reader], bytes | None]:
    pictures: dict[str, Reader] = {}
    table: bytes | None = None
    for member in files(archive):
        if member.filename.lower().endswith(".csv"):
            table = read(archive, member, MAX_CSV_BYTES)
        else:
            pictures[member.filename] = reader_of(archive, member)
    return pictures, table


def reader_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Reader:
    return lambda: read(archive, member)


def limited(data: bytes) -> bytes:
    if len(data) > MAX_CSV_BYTES:
        raise TooLarge(_("The table is too large: at most %(mb)s MB are taken.") % {"mb": MAX_CSV_BYTES // 10**6})
    return data


def table_rows(table: bytes) -> list[tuple[str, str]]:
    """Returns the name of the picture and the sentence of each row. Raises ValueError for what is no such table."""
    try:
        found = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""), strict=True)
        columns = {(name or "").strip().lower(): name for name in found.fieldnames or ()}
        name, text = (next((columns[each] for each in known if each in columns), None) for known in (NAMES, TEXTS))
        if name is None and text is None:
            raise ValueError(_("The table needs a column file, a column text, or both."))
        return [((row[name] or "").strip() if name else "", (row[text] or "") if text else "") for row in found][: MAX_ITEMS + 1]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(_("The table is not CSV in UTF-8.")) from error


def question(chosen: Candidate, pictures: dict[str, Reader], name: str, text: str) -> Question:
    """What cannot be asked is said in the row's own line: the others are asked all the same."""
    told = {"name": shown(name), "text": text[:500]}
    try:
        encoded = None if chosen.inputs == "text" else base64.b64encode(picture_of(pictures, name)).decode()
        sentence = None if chosen.inputs == "image" else check_text(text)
    except ValueError as error:
        return told, str(error)
    return told, {"act": "predict", "folder": chosen.folder, "precision": chosen.precision, "image_base64": encoded, "text": sentence}


def picture_of(pictures: dict[str, Reader], name: str) -> bytes:
    """Finds a picture by its whole name, or by its last part where it is the only one of that name."""
    last = PurePosixPath(name).name
    found = [each for each in pictures if each == name] or [each for each in pictures if PurePosixPath(each).name == last]
    if len(found) != 1:
        raise ValueError(_("There is no picture of this name.") if not found else _("Several pictures have this name."))
    data = pictures[found[0]]()
    check_picture(data)
    return data
