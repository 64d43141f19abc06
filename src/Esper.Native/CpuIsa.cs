namespace Esper.Native;

/// <summary>Instruction sets with kernels of their own, in rising order. The numbers are those of <c>esper_isa</c>.</summary>
public enum CpuIsa
{
    /// <summary>The best one that CPU, operating system and <c>ESPER_CPU_ISA</c> allow.</summary>
    Auto = -1,

    /// <summary>Portable code.</summary>
    Scalar = 0,

    /// <summary>AVX2 with FMA.</summary>
    Avx2 = 1,

    /// <summary>AVX-512 F, BW, DQ, VL.</summary>
    Avx512 = 2,
}
