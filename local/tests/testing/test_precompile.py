"""Workers share the compiling of the tests."""

from types import SimpleNamespace

from _pytest.assertion import rewrite

from gatehouse_local.testing.precompile import compile_share


def test_a_worker_begins_at_its_share_and_compiles_what_nobody_has_yet(tmp_path, pytestconfig, monkeypatch):
    files = [tmp_path / "tests" / f"test_{number}.py" for number in range(6)]
    files[0].parent.mkdir()
    for file in files:
        file.write_text("def test_it():\n    assert True\n")
    files[5].write_text("def test_it(:\n")  # left to its import, which says so
    (tmp_path / "tests" / ".hidden").mkdir()
    (tmp_path / "tests" / ".hidden" / "test_6.py").write_text("")
    order = []
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    rewrite_test = rewrite._rewrite_test
    monkeypatch.setattr(rewrite, "_rewrite_test", lambda file, config: order.append(file) or rewrite_test(file, config))
    worker = SimpleNamespace(
        workerinput={"workerid": "gw1", "workercount": 2},
        stash=pytestconfig.stash,
        getini=pytestconfig.getini,
        args=["tests"],
        invocation_params=SimpleNamespace(dir=tmp_path),
        rootpath=tmp_path,
    )
    compile_share(worker)  # ty: ignore[invalid-argument-type] - what it uses of a Config
    assert order == [*files[3:], *files[:3]]
    for file in files[:5]:
        compiled = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
        assert rewrite._read_pyc(file, compiled) is not None
    order.clear()
    compile_share(worker)  # ty: ignore[invalid-argument-type] - as above
    assert order == [files[5]]
