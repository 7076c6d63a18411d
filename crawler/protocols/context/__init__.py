"""Files and metadata that reserve nothing: ads.txt 1.1, security.txt (RFC 9116), llms.txt,
draft-car-ai-txt-wellknown-00, schema.org and Dublin Core.
"""
