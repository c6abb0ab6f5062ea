"""Engines take tasks and give outcomes: `engine.py` says what that means, and has the table `ENGINES` of the files beside it.

An engine does not know what a task is; nor does anybody believe what a task returns: whether its work is done stands on disk.

    outcome = open_engine("pool", workers=4).run(train_shard, tasks, tick, stop)
"""
