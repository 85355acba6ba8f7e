//go:build tools

// Package engine pins Pulumi's engine and the SDK, which platform/engine/build compiles.
package engine

import (
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
	_ "github.com/pulumi/pulumi/sdk/v3/go/common/tail"
)
