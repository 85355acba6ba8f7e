"""The Pulumi program: turns a stack's configuration and the catalog into a Foundation or an Environment."""

from pathlib import Path
from typing import Any

import msgspec
import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

from gatehouse_platform.components.base import foundation_of
from gatehouse_platform.components.governance import tags_of
from gatehouse_platform.config.environment_catalog import environment_catalog
from gatehouse_platform.config.settings import FOUNDATION, Dns
from gatehouse_platform.config.stack_config import read_config, read_stack, releases_of
from gatehouse_platform.environment import Environment
from gatehouse_platform.foundation import Foundation


def program(root: Path) -> None:
    """Declares all resources of the current stack. Raises StackError or CatalogError when a file is wrong."""
    name, config = pulumi.get_stack(), configuration()
    catalog = environment_catalog(root, name, {} if name == FOUNDATION else releases_of(config))
    stack = read_stack(name, config, catalog, former_choices=True)
    # One provider for all: each is a process of 300 to 430 MB. It refuses to work in another account.
    provider = aws.Provider(
        "aws",
        region=stack.region,
        allowed_account_ids=[stack.settings.account],
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags_of(stack)),
    )
    opts = pulumi.ResourceOptions(providers=[provider])
    if stack.name == FOUNDATION:
        Foundation(stack, addresses(root, foundation_of(stack).environments), opts)
    else:
        Environment(stack, catalog, opts)


def addresses(root: Path, environments: list[str]) -> dict[str, Dns]:
    """The domain name of each environment, as its stack file says: a deployer may change the records of its own."""
    return {each: msgspec.convert(read_config(root, each)["gatehouse:dns"], Dns) for each in environments}


def configuration() -> dict[str, Any]:
    """The whole configuration by full key, so that unknown keys are noticed too."""
    return {**get_config_env(), **CONFIG.get()}
