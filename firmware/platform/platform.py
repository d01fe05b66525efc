"""PlatformIO's entry to the emulated boards; what matters is boards/*.json and builder/main.py."""

from platformio.public import PlatformBase


# PlatformIO derives the class name from platform.json's "name"
class TinygenemulatedPlatform(PlatformBase):
    def is_embedded(self):
        """Every board here is "uploaded" (to an emulator), though no uploader package is declared."""
        return True
