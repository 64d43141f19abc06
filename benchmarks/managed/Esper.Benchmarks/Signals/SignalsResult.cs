namespace Esper.Benchmarks.Signals;

/// <summary>Training steps that gather health signals beside steps that do not; one row of the results.</summary>
/// <param name="Host">Specification in canonical form.</param>
/// <param name="Seeds">Seeds with a module, all of them.</param>
/// <param name="Pairs">Pairs of steps.</param>
/// <param name="StepMs">Median step without signals in milliseconds.</param>
/// <param name="SignalMs">Median over the pairs of the difference in milliseconds: gathering and reading the signals of all seeds once.</param>
/// <param name="Low">Lower end of its 95 % interval.</param>
/// <param name="High">Upper end of its 95 % interval.</param>
/// <param name="PerStepMs">The same spread over the steps of a run that gathers them every <paramref name="Every"/> steps.</param>
/// <param name="Every">Steps from one gathering to the next, as training does by default.</param>
internal sealed record SignalsResult(
    string Host, int Seeds, int Pairs, double StepMs, double SignalMs, double Low, double High, double PerStepMs, int Every);
