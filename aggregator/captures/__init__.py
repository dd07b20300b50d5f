"""Recordings of what venues said: their form, the recorder, the flight recorder and the replay.

The rule of this room: a recording is raw. Nothing in it was read, rounded or put in order by us,
so that what a replay finds is what happened.
"""
