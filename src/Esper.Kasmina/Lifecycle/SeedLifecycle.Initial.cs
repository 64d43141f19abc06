using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <content>
/// Modules that are part of the model from its first step: the control for growth, the same architecture without the growing.
/// </content>
public sealed partial class SeedLifecycle
{
    private const string Configuration = "configuration";
    private const string FromTheStart = "part of the model from the start";

    private static readonly ImmutableArray<SeedStage> PathToFossilized =
        [SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized];

    /// <summary>
    /// Makes modules part of the model before its first step: Fossilized at the alpha target, with parameters drawn like the host's
    /// own (see <see cref="FirstParameters"/>). Each seed takes every transition of the table on its way, and each is reported. Gate G0
    /// is asked (blueprint, shapes, budget); G1 to G5 judge what joins a host that has learned without it, and have nothing to judge here.
    /// </summary>
    /// <exception cref="EsperException">A site or seed does not exist or has a module, or gate G0 refuses; names the module.</exception>
    public void AttachInitial(ImmutableArray<InitialModule> modules)
    {
        foreach (InitialModule module in modules)
        {
            SeedRecord seed = FindInitial(module);
            if (State(seed).Stage != SeedStage.Dormant)
            {
                throw new EsperException($"lattice.initial: '{module}' is at a seed that has a module already.");
            }

            AttachInitial(seed, module);
        }
    }

    /// <summary>Reports the births of <see cref="AttachInitial(ImmutableArray{InitialModule})"/> again, where a record starts over.</summary>
    public void ReportInitial(ImmutableArray<InitialModule> modules)
    {
        foreach (InitialModule module in modules)
        {
            SeedId seed = FindInitial(module).Id;
            SeedStage from = SeedStage.Dormant;
            foreach (SeedStage to in PathToFossilized)
            {
                _report(new LifecycleEvent(
                    _clock.GetUtcNow(), 0, 0, seed, from, to, module.Blueprint.Name, null, Configuration, FromTheStart, null));
                from = to;
            }
        }
    }

    private void AttachInitial(SeedRecord seed, InitialModule module)
    {
        Blueprint blueprint = module.Blueprint;
        LatticeSeed description = Describe(seed, blueprint, SeedStage.Germinated, 0);
        float[] parameters = FirstParameters.Draw(
            blueprint, seed.Channels, description.InitialParameters(seed.Channels, key: 0), $"lattice.{module}", _settings.RunSeed);
        ModuleCost cost = CostOf(seed, blueprint);
        GateVerdict verdict = Gates.Germination(
            new GerminationInput(blueprint, seed.Layout, seed.Channels, cost, BudgetLeft(), parameters));
        if (!verdict.Passed)
        {
            throw new EsperException($"lattice.initial: '{module}' is refused: {verdict.Reason}.");
        }

        _executor.Germinate(seed.Id, description, parameters);
        seed.Blueprint = blueprint;
        seed.Cost = cost;
        seed.Germinations++;
        seed.BlendStep = RampSteps;
        _store!.Assign(seed.Row, (uint)KeyedRandom.Key(blueprint.Name) | 1, 0, 0);
        foreach (SeedStage stage in PathToFossilized)
        {
            Move(seed, stage, null, Configuration, FromTheStart, stage == SeedStage.Germinated ? verdict : null);
            if (stage == SeedStage.Blending)
            {
                SetAlpha(seed, Options.AlphaTarget);
            }
        }
    }

    private SeedRecord FindInitial(InitialModule module)
    {
        LatticePlace? place = _places.FirstOrDefault(place => place.SiteName == module.Site && place.Seed.Seed == module.Seed);
        return place is not null
            ? Find(place.Seed)
            : throw new EsperException(
                $"lattice.initial: '{module}' names no seed of this lattice. Its sites are "
                + $"{string.Join(", ", _places.GroupBy(known => known.SiteName).Select(site => $"{site.Key} with {site.Count()} seeds"))}.");
    }
}
