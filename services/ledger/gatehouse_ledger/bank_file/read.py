"""Reads a bank's file of any of the four formats, by what is in it: names of files say nothing."""

from gatehouse_ledger.bank_file import camt053, csv_file, mt940, ofx
from gatehouse_ledger.bank_file.structs import BankStatement, CsvMapping, FileRefused
from gatehouse_ledger.bank_file.values import decoded

LARGEST_FILE = 64_000_000  # bytes
_HEAD = 20_000
_OTHERS = {
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet. Unpack it, or save the sheet as CSV",
    b"\x1f\x8b": "is compressed with gzip. Unpack it",
    b"%PDF": "is a PDF. Choose OFX, QFX or CSV at the bank's download",
    b"\xd0\xcf\x11\xe0": "is an old Excel file. Save the sheet as CSV",
    b"7z\xbc\xaf": "is a 7z archive. Unpack it",
}


def read(content: bytes, currency: str, mapping: CsvMapping | None = None) -> list[BankStatement]:
    """The statements of a file; `currency`: of the account it is imported for, for files that name none.

    Raises FileRefused; ColumnsUnknown of csv_file where a person has to say which column is what.
    """
    if not content.strip():
        raise FileRefused("The file is empty.")
    if len(content) > LARGEST_FILE:
        raise FileRefused(f"The file is larger than {LARGEST_FILE // 1_000_000} MB. Split it by month.")
    for mark, what in _OTHERS.items():
        if content.startswith(mark):
            raise FileRefused(f"The file {what}.")
    head = decoded(content[:_HEAD])
    if camt053.is_camt(head):
        return camt053.read(content)
    if ofx.is_ofx(head):
        return ofx.read(content)
    if mt940.is_mt940(head.replace("\r\n", "\n").replace("\r", "\n")):
        return mt940.read(content)
    if head.lstrip().startswith("<"):
        raise FileRefused("The file is XML or HTML, and no statement. Choose OFX, camt.053 or CSV at the download.")
    return csv_file.read(content, mapping, currency)
