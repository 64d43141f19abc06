using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <content>What those need that try modules out, or take a run back.</content>
public sealed partial class SeedLifecycle
{
    /// <summary>Arms of the seeds that are live, each once.</summary>
    public ImmutableArray<SeedArm> LiveArms() =>
    [
        .. _seeds.Where(seed => State(seed).Stage.IsLive())
            .Select(seed => new SeedArm(seed.Id.Site, seed.Blueprint!.Name))
            .Distinct(),
    ];

    /// <summary>A module of a blueprint as it would be born at a seed now, for trials outside of the lifecycle.</summary>
    /// <param name="seed">A seed without a module.</param>
    /// <param name="blueprint">Name of a blueprint that suits the site.</param>
    /// <returns>Its description, blended at the target alpha, and its initial parameters.</returns>
    /// <exception cref="EsperException">There is no such blueprint, or it does not suit the site.</exception>
    public (LatticeSeed Description, float[] Parameters) Trial(SeedId seed, string blueprint)
    {
        SeedRecord record = Find(seed);
        try
        {
            Blueprint parsed = Blueprint.Parse(blueprint);
            return SiteFit.Objection(parsed, record.Layout) is { } objection
                ? throw new EsperException($"Seed {seed}: {objection}.")
                : Newborn(record, parsed, SeedStage.Holding, (float)Options.AlphaTarget);
        }
        catch (FormatException error)
        {
            throw new EsperException($"Seed {seed}: {error.Message}", error);
        }
    }

    /// <summary>What a module of a blueprint costs at a seed.</summary>
    /// <exception cref="FormatException">There is no such blueprint.</exception>
    public ModuleCost CostAt(SeedId seed, string blueprint) => CostOf(Find(seed), Blueprint.Parse(blueprint));

    /// <summary>What a seed's module costs; nothing without one.</summary>
    public ModuleCost CostOf(SeedId seed) => Find(seed).Cost;
}
