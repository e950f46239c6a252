"""Processes that run operations on untrusted data, confined by the kernel.

| module | subject |
| --- | --- |
| `forkserver`, `forkserver_client` | the fork server, which has the libraries loaded |
| `confinement` | the restrictions: `landlock`, `seccomp`, resource limits |
| `pool` | the processes that are kept ready, and their replacement |
| `reader` | the main loop of a confined process |
| `messages` | the messages between a confined process and the server |

This package knows no file formats: operations come from the modules that the caller names.
"""
