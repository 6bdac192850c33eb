"""Operations of one's own."""
