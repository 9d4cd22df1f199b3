"""Runs a repository's tests on a patch; see touchstone_repo. The job is the file job.json."""

from __future__ import annotations

import touchstone_repo

touchstone_repo.main()
