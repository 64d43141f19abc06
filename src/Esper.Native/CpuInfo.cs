namespace Esper.Native;

/// <summary>What the processor offers.</summary>
/// <param name="Model">Processor name.</param>
/// <param name="BestIsa">Best instruction set that processor and operating system allow.</param>
/// <param name="LogicalCores">Cores that this process may run on.</param>
public sealed record CpuInfo(string Model, CpuIsa BestIsa, int LogicalCores);
