"""Methods from before deep learning: functions from a photograph to a score, tuned rather than trained."""
