"""Run a command with TEST_STORAGE_URI set to a bucket of a SeaweedFS that runs meanwhile.

`python -m tests.bucket_service COMMAND ...`; the exit code is that of the command.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.buckets import seaweedfs


def main() -> int:
    """Run the command of the command line."""
    with seaweedfs() as service:
        variables = {
            "TEST_STORAGE_URI": f"{service.uri}/tests",
            "TEST_STORAGE_ENDPOINT": service.endpoint,
            "AWS_ACCESS_KEY_ID": service.key,
            "AWS_SECRET_ACCESS_KEY": service.secret,
        }
        return subprocess.run(sys.argv[1:], env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
