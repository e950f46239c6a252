"""Processes that run operations on data which nobody vouches for, confined by the kernel.

`starting`      the fork server, which has the libraries and makes the processes
`confinement`   what they are denied: `landlock`, `seccomp`, limits
`pool`          the few that are kept ready; a call takes one, and replaces it if it ends
`reader`        what runs in them
`frames`        the messages between them and the server

It knows nothing of files' formats: the operations are those of the modules that it is given.
"""
