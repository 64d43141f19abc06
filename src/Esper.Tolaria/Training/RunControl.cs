using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;
using Esper.Tamiyo;
using Esper.Tamiyo.Decisions;
using Esper.Tamiyo.Risk;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Training;

/// <summary>
/// What stands between a policy and the lattice: its time limit, the signature and the guard on its commands, and the risk engine's
/// veto.
/// </summary>
internal sealed class RunControl : IDisposable
{
    private readonly CommandAuthority _authority;
    private readonly CommandGuard _guard;
    private readonly CommandSigner _signer;
    private readonly DecisionDesk _desk;
    private readonly MemoryProbe? _memory;
    private readonly int _lossWindow;

    /// <summary>Creates the control of a run.</summary>
    /// <param name="config">The run's configuration.</param>
    /// <param name="policyHost">How to start a process for a policy with a time limit.</param>
    /// <param name="runId">Identifier of the run.</param>
    /// <param name="observer">Hears of decisions that fail.</param>
    /// <param name="clock">Time.</param>
    /// <exception cref="Contracts.EsperException">There is no such policy, or a limit and no process to keep it in.</exception>
    public RunControl(RunConfig config, PolicyLaunch? policyHost, string runId, IRunObserver observer, TimeProvider clock)
    {
        _desk = new DecisionDesk(GrowthPolicies.Create(config.Policy), config.Policy, policyHost, clock, observer.OnDecisionFailed);
        _authority = CommandAuthority.Create(runId, clock);
        _signer = _authority.SignerFor(_desk.Name);
        _guard = _authority.CreateGuard(
            ImmutableDictionary<string, CommandRights>.Empty.Add(_desk.Name, CommandRights.All), CommandRules.Default);
        Veto = new RiskVeto(new RiskEngine(RiskRules.Of(config.Risk)));
        _lossWindow = config.Risk.LossWindow;

        // Memory of a device other than this machine's own is not measured, and the rule that needs it refuses.
        bool measured = config.Risk.MemoryHeadroomMinimum is not null || config.Policy.ObserveMachine;
        _memory = measured && config.Device == "cpu" ? new MemoryProbe() : null;
    }

    /// <summary>The risk engine in this run.</summary>
    public RiskVeto Veto { get; }

    /// <summary>What was last seen of the machine.</summary>
    public MachineObservation Machine => new(Veto.Conditions.StepMilliseconds, Veto.Conditions.FreeBytes, Veto.Conditions.TotalBytes);

    /// <summary>Name of the policy.</summary>
    public string PolicyName => _desk.Name;

    /// <summary>Overwrites the key and ends the policy's process.</summary>
    public void Dispose()
    {
        _authority.Dispose();
        _desk.Dispose();
    }

    /// <summary>What a checkpoint holds.</summary>
    public ControlState Save() => new(Veto.Quarantine, _desk.Failures);

    /// <summary>Puts the control as a checkpoint has it; null for one from before there was any.</summary>
    public void Restore(ControlState? state)
    {
        Veto.Restore(state?.Quarantine ?? []);
        _desk.Restore(state?.DecisionFailures ?? 0);
    }

    /// <summary>Tells the risk engine what the run looks like.</summary>
    /// <param name="history">All epochs, the one that has just ended last.</param>
    /// <param name="stepMilliseconds">Median duration of its steps; null where none was taken in this sitting.</param>
    public void Observe(ImmutableArray<EpochObservation> history, double? stepMilliseconds)
    {
        (double Free, double Total)? memory = _memory?.Measure();

        // Only what follows the last loss that was no number: a history with a hole in it has no trend.
        IEnumerable<double> losses = history.Reverse()
            .Select(epoch => epoch.ValidationLoss)
            .Take(_lossWindow)
            .TakeWhile(double.IsFinite)
            .Reverse();
        Veto.Conditions = new RiskConditions([.. losses], stepMilliseconds, memory?.Free, memory?.Total);
    }

    /// <summary>Asks the policy whether its decision needs a probe; null where it failed to answer.</summary>
    public bool? NeedsProbe(SystemState state, long step) => _desk.NeedsProbe(state, step);

    /// <summary>Asks the policy what to do, and carries it out as far as guard, gates and veto allow.</summary>
    /// <param name="state">What it decides on.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="lifecycle">The lattice.</param>
    /// <param name="scribe">Takes the decision down.</param>
    /// <param name="germinate">Whether anything may germinate.</param>
    public void Decide(SystemState state, long step, SeedLifecycle lifecycle, DecisionScribe scribe, bool germinate)
    {
        if (_desk.Decide(state, step) is not { } commands)
        {
            return;
        }

        scribe.Begin(PolicyName, state, commands);
        lifecycle.SetDecision(state);

        // One moment for the whole decision: a slow gate in the middle of it makes no other command of it stale.
        DateTimeOffset now = _authority.Clock.Now;
        for (int i = 0; i < commands.Length; i++)
        {
            LifecycleCommand command = commands[i];
            if (germinate || command is not GerminateCommand)
            {
                CarryOut(_signer.Sign(command, new CommandMoment(state.Epoch, step, i), now), now, lifecycle);
            }
        }

        lifecycle.SetDecision(null);
        scribe.End();
    }

    /// <summary>Takes the risk engine's wish for a roll-back, if it has one.</summary>
    /// <returns>Rule and reason; null without a wish.</returns>
    public string? TakeRollBack()
    {
        RiskVerdict? verdict = Veto.RollBack;
        Veto.ClearRollBack();
        return verdict is null ? null : $"risk rule '{verdict.Rule}' says roll back: {verdict.Reason}";
    }

    /// <summary>Keeps arms from germinating for the rest of the run; policies are not offered them any more.</summary>
    public void Quarantine(IEnumerable<SeedArm> arms, string issuer, string reason)
    {
        foreach (SeedArm arm in arms)
        {
            Veto.Exclude(new QuarantinedArm(arm.Site, arm.Blueprint, issuer, reason));
        }
    }

    private void CarryOut(SignedCommand command, DateTimeOffset now, SeedLifecycle lifecycle)
    {
        CommandAdmission admission = _guard.Admit(command, now);
        if (admission.Command is { } admitted)
        {
            lifecycle.Execute(admitted);
        }
        else
        {
            lifecycle.Refuse(command.Command, admission.Refusal!);
        }
    }
}
