// The parts of libtorch that the host uses; precompiled, because they take most of a translation unit's build time.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/version.h>
