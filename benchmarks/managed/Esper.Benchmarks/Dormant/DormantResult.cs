namespace Esper.Benchmarks.Dormant;

/// <summary>Bare against wrapped host; one row of the results.</summary>
/// <param name="Host">Specification in canonical form.</param>
/// <param name="Batch">Examples of a step.</param>
/// <param name="Placement">"default" for the host's default sites, "all" for every value that can carry one, "none" for the control.</param>
/// <param name="Sites">Sites that carry lattices.</param>
/// <param name="Seeds">Seeds of all sites together, every one dormant.</param>
/// <param name="Pairs">Pairs of steps.</param>
/// <param name="BareMs">Median step of the bare host in milliseconds.</param>
/// <param name="WrappedMs">Median step of the wrapped host in milliseconds.</param>
/// <param name="Ratio">Median over the pairs of wrapped to bare.</param>
/// <param name="Low">Lower end of the ratio's 95 % interval.</param>
/// <param name="High">Upper end of the ratio's 95 % interval.</param>
/// <param name="EqualBits">Whether loss and gradient norm agreed in every bit in every step.</param>
internal sealed record DormantResult(
    string Host,
    int Batch,
    string Placement,
    int Sites,
    int Seeds,
    int Pairs,
    double BareMs,
    double WrappedMs,
    double Ratio,
    double Low,
    double High,
    bool EqualBits);
