"""X → map: the estimator `TSNE`, and the functions that its methods call.

`bhtsne.TSNE` imports `tsne.estimator`, and with it scikit-learn, which the command does without.
"""
