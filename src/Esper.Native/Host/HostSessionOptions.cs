namespace Esper.Native;

/// <summary>Options of <see cref="HostSession.Create"/>.</summary>
public sealed record HostSessionOptions
{
    /// <summary>Where the session runs.</summary>
    public HostDevice Device { get; init; } = HostDevice.Cpu;

    /// <summary>Threads, process-wide for libtorch; 0 = all cores of this process.</summary>
    public int Threads { get; init; }

    /// <summary>Instruction set of the lattice kernels.</summary>
    public CpuIsa Isa { get; init; } = CpuIsa.Auto;

    /// <summary>Key of the random generator that Dropout uses.</summary>
    public ulong Seed { get; init; }
}
