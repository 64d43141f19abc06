using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Lifecycle;

/// <content>Commands: validated against stage and gates, then carried out or refused.</content>
public sealed partial class SeedLifecycle
{
    private static readonly ulong InitialParameters = KeyedRandom.Key("seed.parameters");

    /// <summary>Carries out a command if the seed's stage, the gates and the veto allow it.</summary>
    /// <param name="admitted">A command that passed the guard.</param>
    /// <returns>Whether it was carried out, if with a safer blueprint; a refusal has been reported with its reason.</returns>
    /// <exception cref="EsperException">The command names a seed that does not exist.</exception>
    public bool Execute(AdmittedCommand admitted)
    {
        ArgumentNullException.ThrowIfNull(admitted);
        LifecycleCommand command = admitted.Consume();
        SeedRecord seed = SeedOf(command);
        return command switch
        {
            GerminateCommand germinate => Germinate(seed, germinate),
            FossilizeCommand => Fossilize(seed, command),
            CullCommand => CullOnCommand(seed, command),
            _ => throw new EsperException($"Command '{command.Id}' is of unknown kind {command.GetType().Name}."),
        };
    }

    /// <summary>Reports a command that the guard turned away.</summary>
    /// <exception cref="EsperException">The command names a seed that does not exist.</exception>
    public void Refuse(LifecycleCommand command, CommandRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(refusal);
        Refuse(SeedOf(command), command, command.Issuer, null, refusal.Describe(), refusal: refusal);
    }

    private SeedRecord SeedOf(LifecycleCommand command) => _byId.TryGetValue(command.Seed, out SeedRecord? seed)
        ? seed
        : throw new EsperException($"Command '{command.Id}' of {command.Issuer} names seed {command.Seed}, which does not exist.");

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

        RiskVerdict? risk = Ask(seed, SeedStage.Germinated, blueprint, command);
        string reason = command.Reason;
        if (risk is { Action: RiskAction.Downgrade })
        {
            reason += $"; {blueprint} downgraded to {risk.Blueprint} by risk rule '{risk.Rule}': {risk.Reason}";
            blueprint = Blueprint.Parse(risk.Blueprint!);
        }
        else if (risk is { Allowed: false })
        {
            Refuse(seed, command, command.Issuer, null, Describe(risk), risk);
            return false;
        }

        return Attach(seed, command, blueprint, reason, risk);
    }

    private bool Attach(SeedRecord seed, GerminateCommand command, Blueprint blueprint, string reason, RiskVerdict? risk)
    {
        (LatticeSeed description, float[] parameters) = Newborn(seed, blueprint, SeedStage.Germinated, 0);
        ModuleCost cost = CostOf(seed, blueprint);
        GateVerdict verdict = Gates.Germination(new GerminationInput(blueprint, seed.Layout, seed.Channels, cost, BudgetLeft(), parameters));
        if (!verdict.Passed)
        {
            Refuse(seed, command, command.Issuer, verdict, risk: risk);
            return false;
        }

        _executor.Germinate(seed.Id, description, parameters);
        seed.Blueprint = blueprint;
        seed.Cost = cost;
        seed.Germinations++;
        BeginGraft(seed, command, cost);
        _store!.Assign(seed.Row, (uint)KeyedRandom.Key(blueprint.Name) | 1, 0, 0);
        Move(seed, SeedStage.Germinated, command, command.Issuer, reason, verdict, risk);
        return true;
    }

    private bool Fossilize(SeedRecord seed, LifecycleCommand command)
    {
        if (!InStage(seed, command, SeedStage.Holding))
        {
            return false;
        }

        GateVerdict verdict = Gates.Worth(seed.Gains, RequiredGain(seed), Options);
        RiskVerdict? risk = Ask(seed, SeedStage.Fossilized, seed.Blueprint!, command);
        if (Objection(verdict, risk) is not null)
        {
            Stop(seed, command, command.Issuer, verdict, risk);
            return false;
        }

        EndGraft(seed, GraftEnd.Fossilized, command.Issuer, command.Reason);
        Move(seed, SeedStage.Fossilized, command, command.Issuer, command.Reason, verdict, risk);
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

    private void Cull(
        SeedRecord seed, LifecycleCommand? command, string issuer, string reason, GateVerdict? verdict, RiskVerdict? risk = null)
    {
        if (!seed.Rejected.Contains(seed.Blueprint!.Name))
        {
            seed.Rejected.Add(seed.Blueprint.Name);
        }

        EndGraft(seed, GraftEnd.Culled, issuer, reason);
        _executor.Release(seed.Id);
        Move(seed, SeedStage.Culled, command, issuer, reason, verdict, risk);
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
