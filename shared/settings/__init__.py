"""Settings of a service: typed, from the environment, complete or refused at start."""

from shared.settings.environment import fill_environment
from shared.settings.secrets import Secret, SecretUnavailable
from shared.settings.settings import InvalidSetting, MissingSettings, Settings, SettingsError, load

__all__ = [
    "InvalidSetting",
    "MissingSettings",
    "Secret",
    "SecretUnavailable",
    "Settings",
    "SettingsError",
    "fill_environment",
    "load",
]

# Decorators of app.py and pynamodb's Meta read os.environ while they are imported, so the laptop's
# environment file has to be in place as soon as anything of this package is imported.
fill_environment()
