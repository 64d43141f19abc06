namespace Esper.Benchmarks.Governor;

/// <summary>A run that was hurt beside the clean run of the same seed; one row of the results.</summary>
/// <param name="Fault">What was done to it.</param>
/// <param name="Seed">Seed of both runs.</param>
/// <param name="At">Steps done before the step that was hurt; the run has <paramref name="Steps"/>.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Rollbacks">Times that the governor took the run back.</param>
/// <param name="Culled">Seeds that it culled.</param>
/// <param name="Clean">Test accuracy of the clean run at its end, in [0, 1].</param>
/// <param name="Hurt">Test accuracy of the hurt run at its end, in [0, 1].</param>
/// <param name="Points">Hurt minus clean in percentage points.</param>
internal sealed record GovernorResult(
    string Fault, int Seed, long At, long Steps, int Rollbacks, int Culled, double Clean, double Hurt, double Points);
