// Precompiled: libtorch's and GoogleTest's headers take most of a file's build time.
#pragma once

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/optim.h>
#include <torch/types.h>
