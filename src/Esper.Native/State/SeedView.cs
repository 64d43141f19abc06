using System.Runtime.InteropServices;
using Esper.Contracts.Lifecycle;

namespace Esper.Native;

/// <summary>What a mirror holds of a seed, 16 bytes as <c>esper_seed_view</c>.</summary>
/// <param name="Alpha">Blend weight in [0, 1].</param>
/// <param name="Stage">Stage.</param>
/// <param name="Blueprint">Caller's number of the blueprint, 0 = none.</param>
/// <param name="Flags">Caller's bits.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SeedView(float Alpha, SeedStage Stage, uint Blueprint, uint Flags);
