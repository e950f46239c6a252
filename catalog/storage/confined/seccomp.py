"""Seccomp filter: the kernel denies system calls that no file decoder needs.

Denied are the network, executing programs, other processes, changes of a file's owner, mode and
times, and interfaces that were used for sandbox escapes. Calls that Landlock denies are listed
only if its older versions allow them. Starting threads stays possible.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterator

PR_SET_SECCOMP, MODE_FILTER = 22, 2
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, END = 0x7FFF0000, 0x00050000, 0x80000000
# Offsets in `struct seccomp_data`: number, architecture, low half of the first argument.
NUMBER, ARCHITECTURE, FIRST = 0, 4, 16
CLONE_THREAD = 0x00010000
X32 = 0x40000000

# One column per architecture; numbers from 424 on are the same everywhere.
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "truncate": (76, 45),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
    "fchmodat2": (452, 452),
}
CLONE, CLONE3 = (56, 220), (435, 435)
TGKILL, PRLIMIT = (234, 131), (302, 261)

Step = tuple[int, int, int, int]
"""A BPF instruction: code, jump if true, jump if false, operand."""


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Instruction))]


def is_supported() -> bool:
    """Return whether this machine's architecture has a filter."""
    return platform.system() == "Linux" and platform.machine() in ARCHITECTURES


def restrict() -> None:
    """Apply the filter irrevocably; `no_new_privs` must be set. Raises OSError."""
    steps = [_Instruction(*step) for step in _build_program(*ARCHITECTURES[platform.machine()])]
    program = _Program(len(steps), (_Instruction * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")


def _build_program(architecture: int, column: int) -> Iterator[Step]:
    refused = REFUSE | errno.EPERM
    yield (LOAD, 0, 0, ARCHITECTURE)
    yield (JUMP_EQUAL, 1, 0, architecture)
    yield (RETURN, 0, 0, END)
    yield (LOAD, 0, 0, NUMBER)
    if column == 0:
        # The x32 ABI has other numbers for the same calls.
        yield (JUMP_AT_LEAST, 0, 1, X32)
        yield (RETURN, 0, 0, refused)
    for numbers in NUMBERS.values():
        number = numbers[column]
        if number is not None:
            yield (JUMP_EQUAL, 0, 1, number)
            yield (RETURN, 0, 0, refused)
    # ENOSYS makes the C library use `clone`, whose flags a filter can read; those of `clone3`
    # are behind a pointer.
    yield (JUMP_EQUAL, 0, 1, CLONE3[column])
    yield (RETURN, 0, 0, REFUSE | errno.ENOSYS)
    yield (JUMP_EQUAL, 0, 3, CLONE[column])
    yield (LOAD, 0, 0, FIRST)
    yield (JUMP_ANY_BIT, 1, 0, CLONE_THREAD)
    yield (RETURN, 0, 0, refused)
    yield from _only_own_process(TGKILL[column], os.getpid(), refused)
    yield from _only_own_process(PRLIMIT[column], 0, refused)
    yield (RETURN, 0, 0, ALLOW)


def _only_own_process(number: int, allowed: int, refused: int) -> Iterator[Step]:
    """Deny a call whose first argument is the pid of another process."""
    yield (LOAD, 0, 0, NUMBER)
    yield (JUMP_EQUAL, 0, 3, number)
    yield (LOAD, 0, 0, FIRST)
    yield (JUMP_EQUAL, 1, 0, allowed)
    yield (RETURN, 0, 0, refused)
