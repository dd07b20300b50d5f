"""The feed's contract in writing: examples, tables, and the AsyncAPI document made from the types.

The rule of this room: nothing here runs in the feed itself. What can be made from the types is made
from them, and what a person has to write stands here once, for the page and for the document.
"""
