"""What people have achieved: who proposed and who confirmed it, and certificates that anybody can check.

Not the skills themselves, which are topics', nor what somebody learned on the way, which is curriculum's.
"""
