using FsCheck;
using FsCheck.Fluent;

namespace Esper.Contracts.Tests;

/// <summary>Laws of the keyed generator, over keys drawn at random.</summary>
public sealed class KeyedRandomProperties
{
    [Fact]
    public void Draws_are_functions_of_their_keys_alone() =>
        Prop.ForAll((ulong[] keys) => KeyedRandom.Bits(keys) == KeyedRandom.Bits([.. keys])).QuickCheckThrowOnFailure();

    // 64 bits: two of a few hundred draws meet by chance once in 10^14.
    [Fact]
    public void Each_key_counts_in_its_place() =>
        Prop.ForAll((ulong[] keys, ulong key) => Prop.And(
            Prop.ToProperty(KeyedRandom.Bits([.. keys, key]) != KeyedRandom.Bits(keys)),
            Prop.ToProperty(KeyedRandom.Bits([key, .. keys]) == KeyedRandom.Bits([.. keys, key]) == keys.All(other => other == key))))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Numbers_below_a_bound_are_below_it_and_follow_the_uniform_one() =>
        Prop.ForAll((PositiveInt bound, ulong[] keys) =>
        {
            int drawn = KeyedRandom.Below(bound.Get, keys);
            double share = KeyedRandom.Uniform(keys);
            return drawn >= 0 && drawn < bound.Get && share is >= 0 and < 1 && Math.Abs(drawn - (share * bound.Get)) <= 1;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Keys_of_different_texts_differ() =>
        Prop.ForAll((NonNull<string> left, NonNull<string> right) =>
            (KeyedRandom.Key(left.Get) == KeyedRandom.Key(right.Get)) == (left.Get == right.Get)).QuickCheckThrowOnFailure();
}
