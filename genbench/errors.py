"""Every error genbench raises on purpose; catch ``GenbenchError`` to catch them all.

    GenbenchError
     +- BadInput (ValueError)            an argument, a file or an image cannot be used
     |   +- MismatchedFeatures           two sets of features do not fit each other
     |   +- NotEnoughImages              a metric needs more images than it was given
     |   +- UnreadableImages             files that look like images and cannot be decoded
     +- UnknownName (LookupError)        no such metric, extractor, source ...
     +- MissingExtra (ImportError)       an optional package is needed; the message has the pip line
     +- MissingWeights                   a network's weights are not on this machine
     +- CacheCorrupt                     the feature store cannot be read
     +- NotPositive (ArithmeticError)    a covariance is not positive semi-definite

Messages are one line: ``<who>: <what is wrong>; expected <rule>, got <value>. <what to do>``. The command line
prints them without a traceback and exits with code 2.
"""


class GenbenchError(Exception):
    """Base of all errors that tell the user what to do."""


class BadInput(GenbenchError, ValueError):
    """An argument, a file or an image cannot be used as given."""


class MismatchedFeatures(BadInput):
    """Two sets of features do not fit each other."""


class NotEnoughImages(BadInput):
    """A metric needs more images than it was given."""


class UnreadableImages(BadInput):
    """Files that look like images and cannot be decoded."""


class UnknownName(GenbenchError, LookupError):
    """A name that no table holds; the message lists the known ones."""


class MissingExtra(GenbenchError, ImportError):
    """An optional package is not installed; the message has the pip line."""


class MissingWeights(GenbenchError):
    """A network's weights are not on this machine."""


class CacheCorrupt(GenbenchError):
    """The feature store cannot be read."""


class NotPositive(GenbenchError, ArithmeticError):
    """A covariance matrix has a clearly negative eigenvalue."""
