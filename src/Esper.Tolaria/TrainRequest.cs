using Esper.Tamiyo.Decisions;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria;

/// <summary>What to train, and where its record goes.</summary>
/// <param name="Config">The configuration; of a resumed run, its own one with the changes asked for.</param>
/// <param name="OutputDirectory">
/// Directory of a new run; null = a new one under <c>runs/</c> named after host, data set, policy, seed and time.
/// </param>
/// <param name="ResumeDirectory">Directory of a run to continue; null for a new one.</param>
/// <param name="PolicyHost">How to start a process for a policy with a time limit; null where none can be.</param>
public sealed record TrainRequest(
    RunConfig Config, string? OutputDirectory, string? ResumeDirectory, PolicyLaunch? PolicyHost = null);
