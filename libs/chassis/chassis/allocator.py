"""How the C library keeps memory that a process has used: for all threads together, and large pieces not at all."""

import ctypes

# Names of glibc's malloc.h. Their environment variables would have to be set in each way of deploying.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGE = 512 * 1024


def give_back() -> None:
    """Have the threads of this process and of its children share two arenas, and give large pieces back when freed.

    Otherwise each thread keeps the most that it ever needed: six threads that have each exported long texts once held
    300 MiB for good. Python holds its lock while it allocates, so that threads hardly wait for each other's arena.

    To be called before the first thread is made; does nothing where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
