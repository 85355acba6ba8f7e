"""Reads a bank's file of any of the four formats, by what is in it: names of files say nothing."""

from gatehouse_ledger.bank_file import camt053, csv_file, mt940, ofx
from gatehouse_ledger.bank_file.structs import BankStatement, CsvMapping, FileRefused
from gatehouse_ledger.bank_file.values import decoded
from gatehouse_ledger.enumerators import StatementFormat

LARGEST_FILE = 64_000_000  # bytes
_HEAD = 20_000
_BEGINNING = 200_000
_OTHERS = {
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet. Unpack it, or save the sheet as CSV",
    b"\x1f\x8b": "is compressed with gzip. Unpack it",
    b"%PDF": "is a PDF. Choose OFX, QFX or CSV at the bank's download",
    b"\xd0\xcf\x11\xe0": "is an old Excel file. Save the sheet as CSV",
    b"7z\xbc\xaf": "is a 7z archive. Unpack it",
}


def kind(content: bytes) -> StatementFormat:
    """What sort of file it is. Raises FileRefused for what certainly is none of the four."""
    if not content.strip():
        raise FileRefused("The file is empty.")
    if len(content) > LARGEST_FILE:
        raise FileRefused(f"The file is larger than {LARGEST_FILE // 1_000_000} MB. Split it by month.")
    for mark, what in _OTHERS.items():
        if content.startswith(mark):
            raise FileRefused(f"The file {what}.")
    head = decoded(content[:_HEAD])
    if camt053.is_camt(head):
        return "camt053"
    if ofx.is_ofx(head):
        return "ofx"
    if mt940.is_mt940(head.replace("\r\n", "\n").replace("\r", "\n")):
        return "mt940"
    if head.lstrip().startswith("<"):
        raise FileRefused("The file is XML or HTML, and no statement. Choose OFX, camt.053 or CSV at the download.")
    return "csv"


def read(content: bytes, currency: str, mapping: CsvMapping | None = None) -> list[BankStatement]:
    """The statements of a file; `currency`: of the account it is imported for, for files that name none.

    Raises FileRefused; ColumnsUnknown of csv_file where a person has to say which column is what.
    """
    match kind(content):
        case "camt053":
            return camt053.read(content)
        case "ofx":
            return ofx.read(content)
        case "mt940":
            return mt940.read(content)
        case "csv":
            return csv_file.read(content, mapping, currency)


def columns(content: bytes) -> list[str]:
    """The names of the columns of a CSV file, as far as they can be found without a mapping; none for other files."""
    try:
        if kind(content) != "csv":
            return []
        return csv_file.table(content[:_BEGINNING]).header
    except csv_file.ColumnsUnknown as unknown:
        return unknown.header
    except FileRefused:
        return []
