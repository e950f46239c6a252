"""The servers: uvicorn for `serve`, Daphne for `runserver`."""
