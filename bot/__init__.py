"""The assistant: channels, delivery, understanding, and the pages of the web chat."""

import warnings

import sanic.app  # noqa: F401 - it switches deprecation warnings on when it is first imported

warnings.simplefilter("ignore", DeprecationWarning)  # of Rasa's own pins, which nobody here can mend
warnings.filterwarnings("ignore", "Slot auto-fill has been removed")  # said at every start, whatever the domain
