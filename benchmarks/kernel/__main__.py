"""`python -m benchmarks.kernel`: the kernel and its peers in one table."""

from benchmarks.kernel.run import main

raise SystemExit(main())
