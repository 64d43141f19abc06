using Esper.Contracts.Lifecycle;
using FsCheck;
using FsCheck.Fluent;

namespace Esper.Contracts.Tests;

/// <summary>Laws of signed commands, over commands drawn at random.</summary>
public sealed class CommandProperties
{
    private static readonly Gen<string> Texts =
        from word in Gen.Elements("policy", "heuristic-3-1", "it grows", "Größe × ∞", "a\nb", "\U0001F331", "x")
        from number in Gen.Choose(0, 1 << 20)
        select $"{word} {number}";

    private static readonly Gen<LifecycleCommand> Commands =
        from id in Texts
        from issuer in Texts
        from site in Gen.Choose(0, 500)
        from seed in Gen.Choose(0, 500)
        from reason in Texts
        from confidence in Gen.Choose(-1, 100)
        from kind in Gen.Choose(0, 2)
        select Make(kind, id, issuer, new SeedId(site, seed), reason, confidence);

    [Fact]
    public void What_is_encoded_is_read_back() => Prop.ForAll(Commands.ToArbitrary(), command =>
    {
        using CommandBench bench = new();
        SignedCommand signed = bench.Sign(command);
        Assert.True(CommandCodec.TryDecode(CommandCodec.Encode(signed), out SignedCommand? back, out string? objection), objection);
        return back.Command == signed.Command && back.Stamp == signed.Stamp && back.Signature.SequenceEqual(signed.Signature);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_two_commands_share_a_canonical_form() => Prop.ForAll(Commands.Two().ToArbitrary(), pair =>
    {
        using CommandBench bench = new();
        CommandStamp stamp = bench.Sign(pair.Item1).Stamp;
        bool same = CommandCodec.Canonical(pair.Item1, stamp).SequenceEqual(CommandCodec.Canonical(pair.Item2, stamp));
        return same == (pair.Item1 == pair.Item2);
    }).QuickCheckThrowOnFailure();

    /// <summary>Letters that move from one field to the next make another form: lengths are signed.</summary>
    [Fact]
    public void Fields_do_not_run_into_each_other()
    {
        using CommandBench bench = new();
        CommandStamp stamp = bench.Sign(CommandBench.Germinate).Stamp;
        GerminateCommand left = CommandBench.Germinate with { Id = "ab", Issuer = "c" };
        Assert.NotEqual(CommandCodec.Canonical(left, stamp), CommandCodec.Canonical(left with { Id = "a", Issuer = "bc" }, stamp));
        Assert.NotEqual(
            CommandCodec.Canonical(left, stamp with { Signer = "x", RunId = "yz" }),
            CommandCodec.Canonical(left, stamp with { Signer = "xy", RunId = "z" }));
    }

    [Fact]
    public void Every_flipped_bit_of_a_command_is_refused()
    {
        using CommandBench bench = new();
        byte[] sound = CommandCodec.Encode(bench.Sign(CommandBench.Germinate));
        for (int bit = 0; bit < sound.Length * 8; bit++)
        {
            byte[] flipped = [.. sound];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            CommandAdmission admission = bench.Guard.Admit(flipped, bench.Now);
            Assert.True(
                admission.Refusal?.Fault is CommandFault.WrongSignature or CommandFault.Malformed,
                $"bit {bit % 8} of byte {bit / 8}: {admission.Refusal?.Fault.ToString() ?? "admitted"}");
        }

        // Guards the loop: the bytes it started from do pass.
        Assert.Null(bench.Guard.Admit(sound, bench.Now).Refusal);
    }

    [Fact]
    public void Every_byte_of_random_commands_is_under_the_signature() => Prop.ForAll(
        Commands.ToArbitrary(), Gen.Choose(1, 255).ToArbitrary(), (command, flip) =>
        {
            using CommandBench bench = new();
            byte[] sound = CommandCodec.Encode(bench.Sign(command));
            return Enumerable.Range(0, sound.Length).All(index =>
            {
                byte[] changed = [.. sound];
                changed[index] ^= (byte)flip;
                return bench.Guard.Admit(changed, bench.Now).Refusal?.Fault is CommandFault.WrongSignature or CommandFault.Malformed;
            });
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    [Fact]
    public void Cut_or_lengthened_bytes_are_refused()
    {
        using CommandBench bench = new();
        byte[] sound = CommandCodec.Encode(bench.Sign(CommandBench.Germinate));
        for (int length = 0; length < sound.Length; length++)
        {
            Assert.NotNull(bench.Guard.Admit(sound.AsSpan(0, length), bench.Now).Refusal);
        }

        Assert.NotNull(bench.Guard.Admit([.. sound, 0], bench.Now).Refusal);
        Assert.NotNull(bench.Guard.Admit([], bench.Now).Refusal);
    }

    [Fact]
    public void Noise_is_refused_and_never_throws() => Prop.ForAll<byte[]>(noise =>
    {
        using CommandBench bench = new();
        return bench.Guard.Admit(noise, bench.Now).Refusal is { Fault: CommandFault.Malformed };
    }).QuickCheckThrowOnFailure();

    private static LifecycleCommand Make(int kind, string id, string issuer, SeedId seed, string reason, int confidence)
    {
        LifecycleCommand command = kind switch
        {
            0 => new GerminateCommand(id, issuer, seed, "affine", reason),
            1 => new CullCommand(id, issuer, seed, reason),
            _ => new FossilizeCommand(id, issuer, seed, reason),
        };
        return command with { Confidence = confidence < 0 ? null : confidence / 100.0 };
    }
}
