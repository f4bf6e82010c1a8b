"""A net of the user's own code, named `module:attribute`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from retseg.core.errors import ConfigError, nearest
from retseg.models.architecture import Architecture


def import_net(reference: str) -> nn.Module | Architecture:
    """What `reference` ("package.module:attribute") names; modules in the current folder are found, too.

    The attribute is a net, a class or function that makes one when it is called without arguments, or an Architecture.
    Importing it runs the user's code.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise ConfigError(
            "a net of your own is named module:attribute", where=reference, fix="For example my_nets:Tiny"
        )
    found = _attribute(_module(module_name), attribute)
    if isinstance(found, nn.Module | Architecture):
        return found
    made = _call(found, reference) if callable(found) else found
    if isinstance(made, nn.Module):
        return made
    what = f"it gives {_article(made)} when it is called" if callable(found) else f"it is {_article(made)}"
    raise ConfigError(
        f"this is no net: {what}",
        where=reference,
        fix="Name a torch.nn.Module, or a class or function without arguments that makes one",
    )


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"there is no module '{error.name}'",
                where=here,
                fix=f"Run the command in the folder that holds {name.split('.')[0]}.py, or install its package",
            ) from None
        raise _broken(name, error) from error
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def _broken(name: str, error: BaseException) -> ConfigError:
    return ConfigError(f"the module '{name}' cannot be imported ({_reason(error)})", fix="Repair it, then try again")


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            known = [name for name, item in vars(found).items() if not name.startswith("_") and callable(item)]
            raise ConfigError(
                f"there is no '{part}' in {getattr(found, '__name__', path)}",
                where=getattr(module, "__file__", None),
                fix=nearest(part, known) if known else "Name a net that the module defines",
            )
        found = getattr(found, part)
    return found


def _call(maker: Any, reference: str) -> Any:
    try:
        return maker()
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"no net comes from calling it without arguments ({_reason(error)})",
            where=reference,
            fix="Name a net, or a class or function without arguments that makes one",
        ) from error


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _article(thing: Any) -> str:
    name = "nothing (None)" if thing is None else type(thing).__name__
    return name if thing is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
