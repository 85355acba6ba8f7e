"""For tests: a small repository in git, with this one's catalog, lock, settings and stack files."""

from pathlib import Path

from gatehouse_release.git.checkout import Checkout


def copied(source: Path, target: Path) -> Checkout:
    """Copies what decides from the checkout `source`, and commits it on main."""
    decides = ["services/*/service.toml", "stacks/*.yaml", "*.toml", "uv.lock"]
    for file in (found for pattern in decides for found in source.glob(pattern)):
        write(target / file.relative_to(source), file.read_text(encoding="utf-8"))
    write(target / "services" / "catalog" / ".gitkeep", "")  # by that folder a checkout of Gatehouse is known
    git = Checkout(target)
    git.git("init", "--quiet", "--initial-branch", "main")
    git.git("config", "user.email", "sunita.rao@example.org")
    git.git("config", "user.name", "Sunita Rao")
    git.git("config", "commit.gpgsign", "false")
    write(target / ".gitignore", ".gate/\n__pycache__/\n.pytest_cache/\n")
    commit(git, "Begin")
    return git


def commit(git: Checkout, subject: str, **files: str) -> str:
    """Writes files by their path, commits all there is, and gives the commit."""
    for name, text in files.items():
        write(git.root / name, text)
    git.git("add", "--all")
    git.git("commit", "--quiet", "--allow-empty", "-m", subject)
    return git.git("rev-parse", "HEAD")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def with_remote(git: Checkout, folder: Path) -> Path:
    """A bare repository that is the checkout's origin; main is pushed there."""
    git.git("init", "--quiet", "--bare", "--initial-branch", "main", str(folder))
    git.git("remote", "add", "origin", str(folder))
    git.git("push", "--quiet", "--no-verify", "origin", "main")
    git.git("fetch", "--quiet", "origin")
    return folder
