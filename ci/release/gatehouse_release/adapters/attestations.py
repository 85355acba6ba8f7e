"""Whether an image is one that this repository's build made on main: its attestation, verified by GitHub's own tool.

`gh attestation verify` checks the signature, that it is for this digest, and that the workflow which signed it is
build.yml of this repository. https://cli.github.com/manual/gh_attestation_verify
"""

import shutil
import subprocess
from collections.abc import Mapping

from gatehouse_release.ports import NotConfigured

PROGRAM, SIGNER = "gh", ".github/workflows/build.yml"
TIMEOUT_SECONDS = 60


class Attestations:
    """`repository` is OWNER/NAME at GitHub. What was found of a digest never changes, and is kept."""

    def __init__(self, repository: str, environ: Mapping[str, str]) -> None:
        self._repository = repository
        self._environ = {**environ}
        if token := environ.get("GITHUB_TOKEN"):
            self._environ.setdefault("GH_TOKEN", token)
        self._known: dict[str, str] = {}

    def why_not(self, name: str, digest: str) -> str:
        """Why the image's origin isn't proven; empty when it is. Raises NotConfigured without the tool."""
        if digest not in self._known:
            self._known[digest] = self._verify(f"{name}@{digest}")
        return self._known[digest]

    def _verify(self, image: str) -> str:
        program = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        if program is None:
            raise NotConfigured(f"{PROGRAM} isn't on PATH: it verifies attestations.", "Fix: install GitHub's CLI.")
        signer = f"{self._repository}/{SIGNER}"
        words = ["attestation", "verify", f"oci://{image}", "--repo", self._repository, "--signer-workflow", signer]
        command = [program, *words, "--source-ref", "refs/heads/main"]
        try:
            done = subprocess.run(  # noqa: S603 - GitHub's program, our words
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"{PROGRAM} gave no answer within {TIMEOUT_SECONDS} s."
        last = (done.stderr.strip().splitlines() or [f"{PROGRAM} ended with {done.returncode}"])[-1]
        return last[:300] if done.returncode else ""
