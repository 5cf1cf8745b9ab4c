"""The last steps before an untrusted program, where there is no bubblewrap: limits, Landlock, the filter, then the program.

Run by its path with `python -I -S`. All there is to decide and to compute has been done by whoever starts it: this takes
open files that hold a ruleset, a filter and a request, and makes a handful of system calls. It imports what the interpreter
brings in C and nothing else, since each module in Python costs as much as the program's own start: 7 ms instead of 15.
"""

from __future__ import annotations

import _ctypes
import marshal
import posix
import resource
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
SIGKILL, SIGPIPE, SIGXFSZ = 9, 13, 25
SIG_DFL = 0
INSTRUCTION_BYTES = 8


# What the module `ctypes` would name `c_long`, `c_ushort`, `c_char_p` and `CDLL(None, use_errno=True)`.
class Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class UnsignedShort(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "H"


class Characters(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "z"


class Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


class FilterProgram(_ctypes.Structure):
    _fields_ = (("length", UnsignedShort), ("code", Characters))


LIBC = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # None is this program itself


def call(name: str, *arguments: object) -> int:
    """Call a function of libc. Raises OSError when it says -1."""
    function = Function(_ctypes.dlsym(LIBC, name))
    result: int = function(*(Long(each) if isinstance(each, int) else each for each in arguments))
    if result == -1:
        number = _ctypes.get_errno()
        raise OSError(number, f"{name}: {posix.strerror(number)}")
    return result


def take(handle: int) -> bytes:
    """All that an open file in memory holds. It is closed: nothing of ours is open in the program."""
    content = posix.read(handle, posix.fstat(handle).st_size)
    posix.close(handle)
    return content


def main() -> None:
    # Written by whoever started this, into a file that has no name.
    request = marshal.loads(take(int(sys.argv[1])))  # noqa: S302
    try:
        call("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
        if posix.getppid() != request["parent"]:
            raise OSError("who started this is gone")
        for number, bounds in request["limits"]:
            resource.setrlimit(number, bounds)
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if request["ruleset"] is not None:
            call("syscall", request["restrict_self"], request["ruleset"], 0)
            posix.close(request["ruleset"])
        code = take(request["filter"])
        install = FilterProgram(len(code) // INSTRUCTION_BYTES, code)
        call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, _ctypes.byref(install), 0, 0)
        # Python ignores these two, and what is ignored stays ignored in the program.
        for ignored in (SIGPIPE, SIGXFSZ):
            call("signal", ignored, SIG_DFL)
        posix.execve(request["argv"][0], request["argv"], request["environment"])
    except (OSError, ValueError) as error:
        posix.write(2, f"sandbox: {error}\n".encode())
        posix._exit(request["no_wall"])


if __name__ == "__main__":
    main()
