"""The command line: words on it become one library call each.

Before anything else is imported for it, the folder it is called in is left aside: that folder holds
data, and a file there may be named like a library.
"""

from glacial_lakes.runtime.doors import leave_working_folder

leave_working_folder()
