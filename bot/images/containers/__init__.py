"""Reduce the files of members to what decides their pixels.

Pillow refuses a picture for metadata that is thrown away afterwards: a large profile, a wrong checksum in a
text, bytes behind the end. So the container is written anew before it is decoded, with the chunks or segments
of the pixels alone. What is wrong with the pixels themselves stays wrong, and the decoder refuses it.
"""
