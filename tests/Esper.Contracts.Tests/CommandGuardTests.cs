using Esper.Contracts.Lifecycle;

namespace Esper.Contracts.Tests;

public sealed class CommandGuardTests : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);
    private readonly CommandBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_signed_command_in_time_is_admitted_and_handed_out_once()
    {
        CommandAdmission admission = _bench.Guard.Admit(_bench.Sign(CommandBench.Germinate), _bench.Now);
        Assert.Null(admission.Refusal);
        Assert.Equal(CommandBench.Germinate, admission.Command!.Consume());
        Assert.Contains("policy-3-1", Assert.Throws<InvalidOperationException>(admission.Command.Consume).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_replay_is_refused_whatever_else_was_admitted_between()
    {
        SignedCommand command = _bench.Sign(CommandBench.Germinate);
        Assert.Null(_bench.Fault(command));
        Assert.Null(_bench.Fault(_bench.Sign(CommandBench.Germinate with { Id = "x" }, moment: new(3, 120, 1))));
        CommandRefusal refusal = _bench.Guard.Admit(command, _bench.Now).Refusal!;
        Assert.Equal((CommandFault.Replayed, "nonce", command.Stamp.Nonce), (refusal.Fault, refusal.Field, refusal.Found));
    }

    [Fact]
    public void Another_command_with_a_known_nonce_is_a_replay_too()
    {
        Assert.Null(_bench.Fault(_bench.Sign(CommandBench.Germinate)));
        Assert.Equal(CommandFault.Replayed, _bench.Fault(_bench.Sign(CommandBench.Germinate with { Reason = "another" })));
    }

    [Fact]
    public void A_refused_command_does_not_use_its_nonce_up()
    {
        SignedCommand forged = _bench.Sign(CommandBench.Germinate) with { Signature = [.. new byte[32]] };
        Assert.Equal(CommandFault.WrongSignature, _bench.Fault(forged));
        Assert.Equal(0, _bench.Guard.RememberedNonces);
        Assert.Null(_bench.Fault(_bench.Sign(CommandBench.Germinate)));
    }

    [Fact]
    public void Without_a_signature_nothing_passes()
    {
        Assert.Equal(CommandFault.NotSigned, _bench.Fault(_bench.Sign(CommandBench.Germinate) with { Signature = [] }));
        Assert.Equal(CommandFault.NotSigned, _bench.Fault(_bench.Sign(CommandBench.Germinate) with { Signature = default }));
        Assert.Equal(CommandFault.WrongSignature, _bench.Fault(_bench.Sign(CommandBench.Germinate) with { Signature = [1, 2, 3] }));
    }

    [Fact]
    public void The_key_of_another_sitting_signs_nothing_here()
    {
        using CommandAuthority other = CommandAuthority.Create(CommandBench.RunId, _bench.Clock);
        SignedCommand command = other.SignerFor("policy").Sign(CommandBench.Germinate, CommandBench.Moment, _bench.Now);
        Assert.Equal(CommandFault.WrongSignature, _bench.Fault(command));
    }

    [Fact]
    public void A_command_for_another_run_is_refused_even_with_the_same_key()
    {
        SignedCommand command = _bench.Resign(CommandBench.Germinate, stamp => stamp with { RunId = "run-8" });
        Assert.Equal(CommandFault.WrongRun, _bench.Fault(command));
        using CommandAuthority other = CommandAuthority.FromKey("run-8", CommandBench.Key, _bench.Clock);
        Assert.Equal(
            CommandFault.WrongSignature,
            _bench.Fault(other.SignerFor("policy").Sign(CommandBench.Germinate, CommandBench.Moment, _bench.Now)));
    }

    [Fact]
    public void An_issuer_speaks_for_itself_alone()
    {
        // The governor signs what claims to come from the policy.
        CommandRefusal refusal = _bench.Guard.Admit(_bench.Sign(CommandBench.Germinate, signer: "governor"), _bench.Now).Refusal!;
        Assert.Equal((CommandFault.WrongIssuer, "issuer", "policy"), (refusal.Fault, refusal.Field, refusal.Found));
        // It cannot sign with the policy's key: keys differ by issuer.
        SignedCommand disguised = _bench.Sign(CommandBench.Germinate, signer: "governor");
        Assert.Equal(
            CommandFault.WrongSignature, _bench.Fault(disguised with { Stamp = disguised.Stamp with { Signer = "policy" } }));
    }

    [Fact]
    public void Issuers_have_rights()
    {
        CullCommand cull = new("g", "governor", new SeedId(0, 0), "fault");
        Assert.Null(_bench.Fault(_bench.Sign(cull)));
        CommandRefusal kind = _bench.Guard.Admit(_bench.Sign(CommandBench.Germinate with { Issuer = "governor" }, moment: new(3, 1, 0)), _bench.Now).Refusal!;
        Assert.Equal((CommandFault.WrongIssuer, "kind", "Germinate"), (kind.Fault, kind.Field, kind.Found));
        CommandRefusal stranger = _bench.Guard.Admit(_bench.Sign(cull with { Issuer = "stranger" }), _bench.Now).Refusal!;
        Assert.Equal(CommandFault.WrongIssuer, stranger.Fault);
        Assert.Contains("governor, policy", stranger.Required, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  \t ")]
    public void A_command_says_why(string reason) =>
        Assert.Equal(CommandFault.Unannotated, _bench.Fault(_bench.Sign(CommandBench.Germinate with { Reason = reason })));

    [Theory]
    [InlineData(-0.001, CommandFault.Malformed)]
    [InlineData(0.0, null)]
    [InlineData(1.0, null)]
    [InlineData(1.001, CommandFault.Malformed)]
    [InlineData(double.NaN, CommandFault.Malformed)]
    public void Confidence_is_a_share(double confidence, CommandFault? expected) =>
        Assert.Equal(expected, _bench.Fault(_bench.Sign(CommandBench.Germinate with { Confidence = confidence })));

    [Fact]
    public void Texts_that_are_no_unicode_are_malformed_not_a_crash()
    {
        SignedCommand command = _bench.Sign(CommandBench.Germinate);
        SignedCommand broken = command with { Command = CommandBench.Germinate with { Reason = "\ud800" } };
        Assert.Equal(CommandFault.Malformed, _bench.Fault(broken));
    }

    [Fact]
    public void A_command_without_an_id_is_malformed() =>
        Assert.Equal(CommandFault.Malformed, _bench.Fault(_bench.Sign(CommandBench.Germinate with { Id = " " })));

    [Fact]
    public void The_deadline_itself_is_in_time_and_the_tick_after_is_not()
    {
        SignedCommand command = _bench.Sign(CommandBench.Germinate, lifetime: TimeSpan.FromSeconds(10));
        SignedCommand second = _bench.Sign(CommandBench.Germinate, moment: new(3, 120, 1), lifetime: TimeSpan.FromSeconds(10));
        _bench.Clock.Elapsed += TimeSpan.FromSeconds(10);
        Assert.Null(_bench.Fault(command));
        _bench.Clock.Elapsed += Tick;
        CommandRefusal refusal = _bench.Guard.Admit(second, _bench.Now).Refusal!;
        Assert.Equal((CommandFault.Stale, "deadline"), (refusal.Fault, refusal.Field));
    }

    [Fact]
    public void A_clock_ahead_is_allowed_for_up_to_the_skew_and_no_further()
    {
        TimeSpan skew = CommandRules.Default.ClockSkew;
        Assert.Null(_bench.Fault(Shifted(skew, 0)));
        Assert.Equal(CommandFault.IssuedInFuture, _bench.Fault(Shifted(skew + Tick, 1)));
    }

    [Fact]
    public void A_clock_behind_makes_its_commands_expire_early()
    {
        Assert.Null(_bench.Fault(Shifted(-CommandSigner.DefaultLifetime, 0)));
        Assert.Equal(CommandFault.Stale, _bench.Fault(Shifted(-CommandSigner.DefaultLifetime - Tick, 1)));
    }

    [Fact]
    public void A_command_lives_as_long_as_the_rules_let_it()
    {
        TimeSpan longest = CommandRules.Default.MaximumLifetime;
        Assert.Null(_bench.Fault(_bench.Sign(CommandBench.Germinate, lifetime: longest)));
        Assert.Equal(CommandFault.InvalidWindow, _bench.Fault(_bench.Sign(CommandBench.Germinate, lifetime: longest + Tick)));
        Assert.Equal(CommandFault.InvalidWindow, _bench.Fault(_bench.Sign(CommandBench.Germinate, lifetime: TimeSpan.Zero)));
        Assert.Equal(CommandFault.InvalidWindow, _bench.Fault(_bench.Sign(CommandBench.Germinate, lifetime: -Tick)));
    }

    [Fact]
    public void A_corrected_wall_clock_makes_nothing_stale()
    {
        SignedCommand command = _bench.Sign(CommandBench.Germinate);
        _bench.Clock.Wall += TimeSpan.FromDays(1);
        Assert.Null(_bench.Fault(command));
        _bench.Clock.Wall -= TimeSpan.FromDays(2);
        Assert.Null(_bench.Fault(_bench.Sign(CommandBench.Germinate, moment: new(4, 160, 0))));
    }

    [Fact]
    public void Nonces_are_forgotten_with_their_deadline_and_stay_dead()
    {
        SignedCommand command = _bench.Sign(CommandBench.Germinate, lifetime: TimeSpan.FromSeconds(5));
        Assert.Null(_bench.Fault(command));
        _bench.Clock.Elapsed += TimeSpan.FromSeconds(6);
        Assert.Null(_bench.Fault(_bench.Sign(CommandBench.Germinate, moment: new(4, 160, 0))));
        Assert.Equal(1, _bench.Guard.RememberedNonces);
        Assert.Equal(CommandFault.Stale, _bench.Fault(command));
    }

    [Fact]
    public void Nonces_are_the_same_in_every_replay_and_in_no_other_moment()
    {
        using CommandBench replay = new();
        replay.Clock.Wall += TimeSpan.FromDays(400);
        Assert.Equal(_bench.Sign(CommandBench.Germinate).Stamp.Nonce, replay.Sign(CommandBench.Germinate).Stamp.Nonce);
        CommandMoment[] moments = [new(3, 120, 0), new(4, 120, 0), new(3, 121, 0), new(3, 120, 1)];
        string[] nonces = [.. moments.Select(moment => _bench.Sign(CommandBench.Germinate, moment: moment).Stamp.Nonce)];
        using CommandAuthority other = CommandAuthority.Create("run-8", _bench.Clock);
        string[] all =
        [
            .. nonces,
            _bench.Sign(CommandBench.Germinate, signer: "governor").Stamp.Nonce,
            other.SignerFor("policy").Sign(CommandBench.Germinate, CommandBench.Moment, _bench.Now).Stamp.Nonce,
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void The_key_shows_nowhere_and_is_gone_with_its_authority()
    {
        string key = Convert.ToHexString(CommandBench.Key);
        SignedCommand command = _bench.Sign(CommandBench.Germinate);
        string text = $"{_bench.Authority} {_bench.Authority.SignerFor("policy")} {_bench.Guard} {command} {command.Stamp}";
        Assert.DoesNotContain(key, text, StringComparison.OrdinalIgnoreCase);
        using CommandAuthority one = CommandAuthority.Create("r", _bench.Clock);
        CommandSigner signer = one.SignerFor("policy");
        one.Dispose();
        Assert.Throws<ObjectDisposedException>(() => signer.Sign(CommandBench.Germinate, CommandBench.Moment, _bench.Now));
    }

    [Fact]
    public void Every_sitting_has_a_key_of_its_own()
    {
        using CommandAuthority one = CommandAuthority.Create("r", _bench.Clock);
        using CommandAuthority two = CommandAuthority.Create("r", _bench.Clock);
        SignedCommand Sign(CommandAuthority authority) =>
            authority.SignerFor("policy").Sign(CommandBench.Germinate, CommandBench.Moment, _bench.Now);
        Assert.Equal(Sign(one).Stamp, Sign(two).Stamp);
        Assert.NotEqual(Sign(one).Signature.AsEnumerable(), Sign(two).Signature);
    }

    // As an issuer signs whose clock is off by so much.
    private SignedCommand Shifted(TimeSpan offset, int ordinal) => _bench.Authority.SignerFor("policy")
        .Sign(CommandBench.Germinate, new CommandMoment(3, 120, ordinal), _bench.Now + offset);
}
