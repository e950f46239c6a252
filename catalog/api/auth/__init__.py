"""The API's addresses below `auth/`: thin views over the services of `access`.

Source: the wire, "Authentication endpoints". On a site without users there are none of them: 404.
"""
