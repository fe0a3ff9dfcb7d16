"""The load room: any export becomes checked canonical tables. The only room that touches the outside."""
