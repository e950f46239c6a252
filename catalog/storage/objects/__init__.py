"""Object storage: buckets of S3, Google Cloud Storage and Azure. Imports no Django.

`location` says where a bucket is and how to reach it; `client` reads and writes its objects.
Nothing is imported here: a site without a bucket does not load obstore.
"""
