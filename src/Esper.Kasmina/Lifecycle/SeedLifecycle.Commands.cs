using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <content>Commands: validated against stage and gates, then carried out or refused.</content>
public sealed partial class SeedLifecycle
{
    private static readonly ulong InitialParameters = KeyedRandom.Key("seed.parameters");

    /// <summary>Carries out a command if the seed's stage and the gates allow it.</summary>
    /// <returns>Whether it was carried out; a refusal has been reported with its reason.</returns>
    public bool Execute(LifecycleCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (!_byId.TryGetValue(command.Seed, out SeedRecord? seed))
        {
            throw new EsperException($"Command '{command.Id}' of {command.Issuer} names seed {command.Seed}, which does not exist.");
        }

        return command switch
        {
            GerminateCommand germinate => Germinate(seed, germinate),
            FossilizeCommand => Fossilize(seed, command),
            CullCommand => CullOnCommand(seed, command),
            _ => throw new EsperException($"Command '{command.Id}' is of unknown kind {command.GetType().Name}."),
        };
    }

    private bool Germinate(SeedRecord seed, GerminateCommand command)
    {
        if (!InStage(seed, command, SeedStage.Dormant))
        {
            return false;
        }

        Blueprint blueprint;
        try
        {
            blueprint = Blueprint.Parse(command.Blueprint);
        }
        catch (FormatException error)
        {
            Refuse(seed, command, command.Issuer, new GateVerdict(Gate.G0, false, true, error.Message, []));
            return false;
        }

        if (ObjectionTo(seed, blueprint) is { } objection)
        {
            Refuse(seed, command, command.Issuer, null, objection);
            return false;
        }

        (LatticeSeed description, float[] parameters) = Newborn(seed, blueprint, SeedStage.Germinated, 0);
        ModuleCost cost = CostOf(seed, blueprint);
        GateVerdict verdict = Gates.Germination(new GerminationInput(blueprint, seed.Layout, seed.Channels, cost, BudgetLeft(), parameters));
        if (!verdict.Passed)
        {
            Refuse(seed, command, command.Issuer, verdict);
            return false;
        }

        _executor.Germinate(seed.Id, description, parameters);
        seed.Blueprint = blueprint;
        seed.Cost = cost;
        seed.Germinations++;
        _store!.Assign(seed.Row, (uint)KeyedRandom.Key(blueprint.Name) | 1, 0, 0);
        Move(seed, SeedStage.Germinated, command, command.Issuer, command.Reason, verdict);
        return true;
    }

    private bool Fossilize(SeedRecord seed, LifecycleCommand command)
    {
        if (!InStage(seed, command, SeedStage.Holding))
        {
            return false;
        }

        GateVerdict verdict = Gates.Worth(seed.Gains, RequiredGain(seed), Options);
        if (!verdict.Passed)
        {
            Refuse(seed, command, command.Issuer, verdict);
            return false;
        }

        if (Vetoed(seed, SeedStage.Fossilized, command, command.Issuer))
        {
            return false;
        }

        Move(seed, SeedStage.Fossilized, command, command.Issuer, command.Reason, verdict);
        return true;
    }

    /// <summary>A module as it would be born at a seed now.</summary>
    private (LatticeSeed Description, float[] Parameters) Newborn(
        SeedRecord seed, Blueprint blueprint, SeedStage stage, float alpha)
    {
        LatticeSeed description = Describe(seed, blueprint, stage, alpha);
        ulong key = KeyedRandom.Bits(
            InitialParameters,
            (ulong)_settings.RunSeed,
            (ulong)seed.Id.Site,
            (ulong)seed.Id.Seed,
            (ulong)seed.Germinations);
        return (description, description.InitialParameters(seed.Channels, key));
    }

    private bool CullOnCommand(SeedRecord seed, LifecycleCommand command)
    {
        if (!State(seed).Stage.IsLive())
        {
            Refuse(seed, command, command.Issuer, null, $"only live seeds can be culled, this one is {State(seed).Stage}");
            return false;
        }

        Cull(seed, command, command.Issuer, command.Reason, null);
        return true;
    }

    private void Cull(SeedRecord seed, LifecycleCommand? command, string issuer, string reason, GateVerdict? verdict)
    {
        if (!seed.Rejected.Contains(seed.Blueprint!.Name))
        {
            seed.Rejected.Add(seed.Blueprint.Name);
        }

        _executor.Release(seed.Id);
        Move(seed, SeedStage.Culled, command, issuer, reason, verdict);
        _store!.SetAlpha(seed.Row, 0);
        _store.Assign(seed.Row, 0, (uint)Options.EmbargoEpochs, 0);
        seed.ClearModule();
        Move(seed, SeedStage.Embargoed, command, Engine, $"embargo of {Options.EmbargoEpochs} epochs", null);
    }

    private bool InStage(SeedRecord seed, LifecycleCommand command, SeedStage needed)
    {
        SeedStage stage = State(seed).Stage;
        if (stage == needed)
        {
            return true;
        }

        Refuse(seed, command, command.Issuer, null, $"the seed must be {needed}, it is {stage}");
        return false;
    }
}
