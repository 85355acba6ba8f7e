"""APIs' documents in a folder: what one process prepared, another one compares."""

from pathlib import Path

import pytest

from gatehouse_release.preview.files_at_commit import DocumentFolder


def test_documents_in_a_folder_are_there_for_the_next_process(tmp_path: Path):
    key, other = ("c" * 40, "person"), ("d" * 40, "service-with-a-dash")
    kept = DocumentFolder(tmp_path / "documents")
    assert len(kept) == 0
    with pytest.raises(KeyError):
        kept[key]
    kept[key], kept[other] = {"paths": {"/a": {}}}, {}
    again = DocumentFolder(tmp_path / "documents")
    assert again[key] == {"paths": {"/a": {}}}
    assert set(again) == {key, other}
    del again[key]
    assert key not in kept
